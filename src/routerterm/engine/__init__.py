"""What a chat is, without a widget: sessions, context, branches, import and export, statistics."""
