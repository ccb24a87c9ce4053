"""Experiments of the service: files that define them, announcements that the service follows, and their analysis.

The statistics are those of the package `experiments`. An experiment begins when its file is announced; from then on its
definition is fixed, so a later edit of the file changes no assignment and no analysis.
"""
