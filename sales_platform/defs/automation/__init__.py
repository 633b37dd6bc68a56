"""What starts runs without a person: schedules, and the sensors of conditions. What a run does belongs to the assets.

Whatever works for one domain begins with its name, so that the whole domain is paused in the UI by that name.
"""
