"""What CORS costs: crossorigin beside the bare application, the limit, and other libraries, measured side by side."""
