"""One port and one library each; a library's errors become ours here and nowhere else."""
