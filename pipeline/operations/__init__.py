"""What a command or a task asks for, in rooms; ``pipeline.app`` has them all."""
