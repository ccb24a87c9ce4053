"""Read and write the files of campaigns, and describe them in words."""
