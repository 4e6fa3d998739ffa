"""What the callback `TensorBoard` writes, a module for each of its dashboards."""
