"""What falcocore costs, as ratios within one run."""
