"""What every job uses: work in the background, failures told as events, frames, getting ready."""
