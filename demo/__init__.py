"""Data sets that land as files, so that a new user has something to run.

Every data set is a package of its own with two things in it: a `land` function that
writes files in the shapes of the landing folder, and a `vars.yml` with the dbt vars of
that data set. What belongs here: reading a published data set (or simulating one) and
writing it as a shop would drop it. What doesn't: cleaning, deduplicating or summing;
that is the warehouse's work, and the dirt of a data set lands as it is.
"""
