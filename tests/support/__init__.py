"""What tests share: real processes, started and ended; a small client for each of them. No fakes of our own code."""
