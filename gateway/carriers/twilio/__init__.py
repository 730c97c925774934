"""Twilio: its signed webhooks in, TwiML out. The only room that knows the `twilio` package."""
