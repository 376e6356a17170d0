"""Yotpo's APIs."""
