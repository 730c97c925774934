"""A scripted morning: some 200 texts from 60 phones through a real gateway, and every effect looked up afterwards."""
