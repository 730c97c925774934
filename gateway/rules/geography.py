"""Distances and courses on the globe, for everything that compares positions (WGS 84 degrees)."""

import math

EARTH_RADIUS_M = 6_371_008.8  # IUGG mean radius


def distance(lat1: float, lon1: float, lat2: float, lon2: float) -> float:
    """Return the great-circle distance in metres (haversine)."""
    a, b = math.radians(lat1), math.radians(lat2)
    half_lat, half_lon = math.sin((b - a) / 2), math.sin(math.radians(lon2 - lon1) / 2)
    return 2 * EARTH_RADIUS_M * math.asin(math.sqrt(half_lat**2 + math.cos(a) * math.cos(b) * half_lon**2))


def bearing(lat1: float, lon1: float, lat2: float, lon2: float) -> float:
    """Return the first course from one position to another, in degrees clockwise from north, 0 to 360."""
    a, b, turn = math.radians(lat1), math.radians(lat2), math.radians(lon2 - lon1)
    east = math.sin(turn) * math.cos(b)
    north = math.cos(a) * math.sin(b) - math.sin(a) * math.cos(b) * math.cos(turn)
    return math.degrees(math.atan2(east, north)) % 360
