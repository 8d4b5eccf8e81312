"""The Mailchimp Marketing API over a built world. Start with `emulator`."""
