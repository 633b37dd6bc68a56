"""What starts runs without a person: schedules today. What a run does belongs to the assets."""
