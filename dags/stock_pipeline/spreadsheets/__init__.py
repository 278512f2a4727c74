"""Everything that opens or writes a workbook or a list."""
