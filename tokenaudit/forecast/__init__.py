"""Forecasts and anomaly flags for many daily series at once: numpy in, numpy out.

A pool of simple run-rates, weighted by how they did so far, gives the middle; what such forecasts missed by gives the
range. `docs/forecast.md` tells why, and how far it holds. Nothing here knows of stores, prices or money: a series is a
row of numbers, one a day. Imported only by the commands that forecast.
"""
