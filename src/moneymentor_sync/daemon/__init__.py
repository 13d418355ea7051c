"""The long-running side: what is due, the one queue, the worker, pauses, and stopping."""
