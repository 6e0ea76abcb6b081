"""What a trained model can be asked. Each probe is a plain function: a model in, a frozen result out."""
