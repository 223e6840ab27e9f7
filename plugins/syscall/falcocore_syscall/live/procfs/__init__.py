"""The machine as /proc shows it: what runs when live capture begins, and single processes later."""
