// Asking nodes about mailboxes.
