from contoso_greeting import GREETING

print(GREETING)
