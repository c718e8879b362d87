"""Networks computed another way than they were trained: what runtimes and their users get wrong."""
