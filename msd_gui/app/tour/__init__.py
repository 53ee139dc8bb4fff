"""The guided tour over the pages."""
