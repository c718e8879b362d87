"""Ways from sixteen bits of grey to eight, one file each."""
