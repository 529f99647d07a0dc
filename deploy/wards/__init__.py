"""Wards as data: one folder of YAML files per ward, read by :mod:`deploy.wards.loader`."""
