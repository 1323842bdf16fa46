using System.Runtime.InteropServices;
using Google.Protobuf;

namespace Ard.Trainers.Onnx;

/// <summary>
/// Writes a network as an ONNX model, for ONNX Runtime and everything else that reads the format. The one input, <c>images</c>, is float32
/// [batch,C,H,W]: planes of channels in the order of the training (usually red, green, blue), values in [0,1], batch of any size;
/// normalisation is inside. The one output is <c>logits</c> or, with a softmax, <c>probabilities</c>: float32 [batch,classes]. The metadata
/// entry <c>ard.network</c> has the specification of a built-in network. The operator set is 17 (ONNX 1.12, 2022).
/// </summary>
/// <remarks>
/// A few random images go through the network and through the description that is written, module by module and in the end, with one more
/// image, as a whole: a model that computes something else on them is not written, and the error names the module.
/// </remarks>
public static class OnnxExport
{
    // The file format's version that goes with the operator set.
    internal const int Opset = 17, IrVersion = 8;

    private const int ProbeImages = 2;

    /// <summary>What protobuf, and with it a single ONNX file, can hold.</summary>
    private const long MostBytes = int.MaxValue;

    /// <summary>Writes a network, which is left as it was found. It is described in eval mode, its weights as float32.</summary>
    /// <param name="path">The file to create or to replace; see <see cref="AtomicFile"/>.</param>
    /// <param name="network">
    /// Images [N,C,H,W] in [0,1] to logits [N,classes]: a built-in network, an ensemble of them, a Sequential of the usual layers, or a
    /// module of your own that implements <see cref="IOnnxModule"/>.
    /// </param>
    /// <param name="options">The settings; default logits.</param>
    /// <exception cref="ArgumentException">A setting is wrong or missing; the message holds all faults. Or the network does not take images
    /// of this shape.</exception>
    /// <exception cref="NotSupportedException">
    /// The network holds a module that cannot be described, or its weights take 2 GB or more; the message says which.
    /// </exception>
    /// <exception cref="InvalidOperationException">The description of a module computes something else than its forward.</exception>
    public static void Write(string path, Module<Tensor, Tensor> network, OnnxExportOptions? options = null) =>
        Write(path, network, options, MostBytes);

    internal static void Write(string path, Module<Tensor, Tensor> network, OnnxExportOptions? options, long mostBytes)
    {
        ArgumentNullException.ThrowIfNull(path);
        ArgumentNullException.ThrowIfNull(network);
        options ??= new OnnxExportOptions();
        var (channels, height, width) = options.Validated(network);
        if (network.parameters().FirstOrDefault()?.dtype is { } dtype and not (ScalarType.Float32 or ScalarType.Float64))
            throw new NotSupportedException($"{network.GetType().Name} is of {dtype}, expected Float32 or Float64.");
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        using var state = ModelState.Borrow(network);
        using var generator = new Generator(0);
        var images = empty([ProbeImages, channels, height, width]).uniform_(0, 1, generator);
        var (graph, output) = Describe(network, images, options);

        var bytes = graph.Constants.Values.Sum(constant => constant.numel() * (constant.dtype == ScalarType.Int64 ? 8 : 4));
        if (bytes >= mostBytes)
            throw new NotSupportedException(
                Invariant($"{path}: the network's weights take {bytes:N0} bytes, expected fewer than {mostBytes:N0}: a single ONNX file ")
                + "holds no more. safetensors has no such limit.");
        var model = OnnxModel.Build(graph, output, network, options, images.shape);
        AtomicFile.Write(path, model.WriteTo);
    }

    private static (OnnxGraph Graph, OnnxValue Output) Describe(Module<Tensor, Tensor> network, Tensor images, OnnxExportOptions options)
    {
        var name = options.Softmax ? "probabilities" : "logits";
        var graph = new OnnxGraph(network, images, name);
        var title = network.GetType().Name;
        var logits = Describe();
        if (logits.Probe is not { shape: [ProbeImages, var classes] })
            throw new InvalidOperationException(
                $"{title} gives [{string.Join(",", logits.Probe.shape)}] for {ProbeImages} images, "
                + $"expected logits [{ProbeImages},classes].");
        if (options.ClassNames is { } names && names.Count != classes)
            throw new ArgumentException(
                $"{nameof(OnnxExportOptions)}: {nameof(options.ClassNames)} has {names.Count} names, {title} {classes} classes.");
        var last = options.Softmax ? logits.Operator("Softmax", x => x[0].softmax(1), attributes: [("axis", 1)]) : logits;
        if (last.Name == graph.Input.Name) last = last.Operator("Identity", x => x[0]);
        graph.Rename(last.Name, name);

        // On another number of images than the description was made with: it must not depend on it.
        var more = cat([images, 1.Minus(images.narrow(0, 0, 1))], 0);
        var forward = graph.Forward(network, more);
        OnnxGraph.Check(title, RunOn(more), options.Softmax ? forward.softmax(1) : forward);
        return (graph, new OnnxValue(graph, name, last.Probe));

        OnnxValue Describe()
        {
            try
            {
                return graph.Input.Then(network);
            }
            catch (ExternalException exception)
            {
                throw new ArgumentException(
                    $"{title} does not take images of [{string.Join(",", images.shape[1..])}]: {exception.Message.Split('\n')[0]}",
                    exception);
            }
        }

        Tensor RunOn(Tensor some)
        {
            try
            {
                return graph.Run(some, name);
            }
            catch (Exception exception) when (exception is ArgumentException or ExternalException)
            {
                throw new InvalidOperationException(
                    $"{title}: its description for ONNX works for {ProbeImages} images and not for {some.shape[0]}: {exception.Message}",
                    exception);
            }
        }
    }
}

/// <summary>The settings of an <see cref="OnnxExport"/>.</summary>
public sealed record OnnxExportOptions
{
    /// <summary>Channels, rows and columns. Default null: of the network's specification, which one of your own has not.</summary>
    public (int Channels, int Height, int Width)? ImageShape { get; init; }

    /// <summary>Whether the model ends with a softmax: its output is then probabilities instead of logits. Default false.</summary>
    public bool Softmax { get; init; }

    /// <summary>The classes in the order of the outputs, JSON in the metadata entry <c>ard.classes</c>. Default null: none.</summary>
    public IReadOnlyList<string>? ClassNames { get; init; }

    /// <summary>The images' shape, from here or from the network.</summary>
    /// <exception cref="ArgumentException">It is not known, or wrong; or a name is not; the message holds all faults.</exception>
    internal (int Channels, int Height, int Width) Validated(Module<Tensor, Tensor> network)
    {
        var shape = ImageShape ?? network switch
        {
            ImageNetwork { Spec: var spec } => (spec.InputChannels, spec.ImageSize, spec.ImageSize),
            TeacherEnsemble ensemble => ensemble.Teachers.OfType<ImageNetwork>().Select(teacher => teacher.Spec)
                .Select(spec => ((int, int, int)?)(spec.InputChannels, spec.ImageSize, spec.ImageSize)).FirstOrDefault(),
            _ => null,
        };
        var faults = new List<string>();
        if (shape is null) faults.Add($"{nameof(ImageShape)} is not set, and {network.GetType().Name} does not say what images it takes");
        if (shape is { } s && Math.Min(Math.Min(s.Item1, s.Item2), s.Item3) < 1)
            faults.Add($"{nameof(ImageShape)} is {s}, expected 1 or more");
        if (ClassNames is { } names && names.Any(string.IsNullOrEmpty)) faults.Add($"{nameof(ClassNames)} has an empty name");
        if (faults.Count > 0) throw new ArgumentException($"{nameof(OnnxExportOptions)}: {string.Join("; ", faults)}.");
        return shape!.Value;
    }
}
