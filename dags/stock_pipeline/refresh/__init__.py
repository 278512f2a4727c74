"""The tables `store` and `product`, from the files people upload."""
