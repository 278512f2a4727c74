"""The pages, one small module each, with a function `page` that draws it. They are listed in `shell`."""
