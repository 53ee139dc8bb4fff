"""Problems of sampling settings, with remedies."""
