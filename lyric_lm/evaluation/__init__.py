"""How good a model is on a text it has not seen, beside n-grams that learnt the same text."""
