"""In which light a resize works, one file each."""
