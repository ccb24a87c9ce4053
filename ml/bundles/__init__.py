"""Write a run's models as a bundle, and find the champion that a challenger is compared with."""
