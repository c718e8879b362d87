"""Exported programs as networks: TorchScript, torch.export and ONNX."""
