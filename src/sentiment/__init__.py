"""What the networks share: data, recipe, training, prediction and the files they leave."""
