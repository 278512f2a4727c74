"""What the pages share that draws: layout, sign-in, errors, plain text."""
