"""Files of rows, CSV and XLSX: looked at, mapped, tried, brought in, taken back."""
