namespace Ard.Trainers.Networks;

/// <summary>
/// A value that flows through an ONNX graph: the images, a constant, or what an operator gives. Its methods add to the graph, so that an
/// <see cref="IOnnxModule"/> reads like the forward that it describes.
/// </summary>
public sealed class OnnxValue
{
    internal OnnxValue(OnnxGraph graph, string name, Tensor probe) => (Graph, Name, Probe) = (graph, name, probe);

    internal string Name { get; }
    internal OnnxGraph Graph { get; }

    /// <summary>What it is for the images that are sent along while the graph is built.</summary>
    internal Tensor Probe { get; }

    /// <summary>What a module makes of it: one of the usual layers, a Sequential, or an <see cref="IOnnxModule"/>.</summary>
    /// <exception cref="NotSupportedException">The module, or one inside it, is none of these; the message names it.</exception>
    /// <exception cref="InvalidOperationException">The module's description computes something else than its forward.</exception>
    public OnnxValue Then(Module<Tensor, Tensor> module) => Graph.Call(module, this);

    internal OnnxValue Then(params IEnumerable<Module<Tensor, Tensor>> modules) =>
        modules.Aggregate(this, (value, module) => value.Then(module));

    /// <summary>The sum, element by element.</summary>
    public static OnnxValue operator +(OnnxValue left, OnnxValue right) => left.Operator("Add", x => x[0].Plus(x[1]), [right]);

    /// <summary>The difference, element by element.</summary>
    public static OnnxValue operator -(OnnxValue left, OnnxValue right) => left.Operator("Sub", x => x[0] - x[1], [right]);

    /// <summary>The product, element by element.</summary>
    public static OnnxValue operator *(OnnxValue left, OnnxValue right) => left.Operator("Mul", x => x[0] * x[1], [right]);

    /// <summary>The quotient, element by element.</summary>
    public static OnnxValue operator /(OnnxValue left, OnnxValue right) => left.Operator("Div", x => x[0] / x[1], [right]);

    internal OnnxValue Relu() => Operator("Relu", x => x[0].relu());

    /// <summary>[N,...] to [N, product of the others].</summary>
    internal OnnxValue Flatten() => Operator("Flatten", x => x[0].flatten(1), attributes: [("axis", 1)]);

    /// <summary>The mean over rows and columns: [N,C,H,W] to [N,C].</summary>
    internal OnnxValue GlobalAverage() => Operator("GlobalAveragePool", x => x[0].mean([2L, 3L], keepdim: true)).Flatten();

    /// <summary>A constant of the same graph.</summary>
    /// <param name="name">What it is called within the module that is being described, such as <c>scale</c>.</param>
    /// <param name="value">Its value; whole numbers are written as int64, all others as float32.</param>
    public OnnxValue Constant(string name, Tensor value) => Graph.Constant(name, value);

    /// <summary>Any operator of ONNX's own set with one output, applied to this value.</summary>
    /// <param name="type">Its type, such as <c>HardSwish</c>.</param>
    /// <param name="compute">The same in TorchSharp, of its inputs, this first, which it must not change: the check.</param>
    /// <param name="others">Its further inputs, in the order of its definition.</param>
    /// <param name="attributes">
    /// Its attributes: whole numbers (a truth value is 0 or 1), floating-point numbers, which ONNX keeps as float32, texts, or arrays of
    /// long or double, as the operator's definition says.
    /// </param>
    /// <exception cref="ArgumentException">An attribute is none of these, or an input is of another graph.</exception>
    public OnnxValue Operator(
        string type, Func<IReadOnlyList<Tensor>, Tensor> compute, IReadOnlyList<OnnxValue>? others = null,
        IReadOnlyList<(string Name, object Value)>? attributes = null) =>
        Graph.Add(type, compute, [this, .. others ?? []], attributes ?? []);
}
