# c-string.sed: text as a string of C, a literal for each line.
s/[\"]/\\&/g
s/.*/"&\\n"/
