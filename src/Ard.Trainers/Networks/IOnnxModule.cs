namespace Ard.Trainers.Networks;

/// <summary>
/// A module that says beside its forward what it computes in operators of ONNX. A forward is code and cannot be read; this is its
/// description, which <see cref="Onnx.OnnxExport"/> checks against the forward. Networks of the usual layers in a Sequential need none.
/// </summary>
/// <example>
/// A residual block, whose forward is <c>relu.call(bn.call(conv.call(input)) + input)</c>:
/// <code>public OnnxValue ToOnnx(OnnxValue input) => (input.Then(conv).Then(bn) + input).Then(relu);</code>
/// </example>
public interface IOnnxModule
{
    /// <summary>Adds what the module computes, in eval mode, to the graph of its input.</summary>
    /// <param name="input">What forward is given.</param>
    /// <returns>What forward returns.</returns>
    OnnxValue ToOnnx(OnnxValue input);
}
