"""The program: main, window, actions and the launch of jobs."""
