"""Steps of a run, one file each, in the order of `ml.__main__`. A step reads the run's folder and adds to it."""
