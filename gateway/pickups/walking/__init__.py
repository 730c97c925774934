"""Walking times and directions from a routing server: OSRM or Valhalla, over their own HTTP interfaces."""
