namespace Ard.Trainers.Networks;

/// <summary>An operator at its place, such as Conv: it reads values by name and gives one, computed by the same in TorchSharp.</summary>
internal sealed record OnnxNode(
    string Type, string Name, IReadOnlyList<string> Inputs, string Output, IReadOnlyList<(string Name, object Value)> Attributes,
    Func<IReadOnlyList<Tensor>, Tensor> Compute);

/// <summary>A network's graph as it is described. Images go along: every module's description is compared with its forward.</summary>
internal sealed class OnnxGraph
{
    // Between two ways to compute the same in float32, as a share of the largest value.
    private const double Tolerance = 1e-4;

    private readonly Dictionary<Module, string> paths = new(ReferenceEqualityComparer.Instance);
    private readonly HashSet<string> names;
    private readonly ScalarType dtype;
    private readonly Device device;
    private string path = "";

    /// <summary>Begins that of a network in eval mode. The images are float32 on the CPU; no node may have a reserved name.</summary>
    public OnnxGraph(Module<Tensor, Tensor> network, Tensor images, params IEnumerable<string> reserved)
    {
        foreach (var (name, module) in network.named_modules()) paths.TryAdd(module, name);
        paths[network] = "";
        names = [.. reserved];
        var parameter = network.parameters().FirstOrDefault();
        (dtype, device) = (parameter?.dtype ?? ScalarType.Float32, parameter?.device ?? CPU);
        Input = new OnnxValue(this, Unique("images"), images);
    }

    public OnnxValue Input { get; }

    /// <summary>In an order in which they can be computed.</summary>
    public List<OnnxNode> Nodes { get; } = [];

    /// <summary>Weights and other constants by name: float32 and int64, on the CPU.</summary>
    public Dictionary<string, Tensor> Constants { get; } = [];

    /// <summary>What a module makes of a value, checked against its forward.</summary>
    public OnnxValue Call(Module<Tensor, Tensor> module, OnnxValue input)
    {
        var outer = path;
        path = paths.TryGetValue(module, out var known) ? known : Within(module.GetType().Name);
        try
        {
            var output = OnnxLayers.Describe(module, input, Title(module));
            Check(Title(module), output.Probe, Forward(module, input.Probe));
            return output;
        }
        finally
        {
            path = outer;
        }
    }

    public OnnxValue Add(
        string type, Func<IReadOnlyList<Tensor>, Tensor> compute, IReadOnlyList<OnnxValue> inputs,
        IReadOnlyList<(string Name, object Value)> attributes)
    {
        if (inputs.Any(input => input.Graph != this)) throw new ArgumentException($"{type}: an input is of another graph.");
        var name = Unique(Within(type));
        Nodes.Add(new OnnxNode(type, name, [.. inputs.Select(input => input.Name)], name, attributes, compute));
        return new OnnxValue(this, name, compute([.. inputs.Select(input => input.Probe)]));
    }

    public OnnxValue Constant(string name, Tensor value)
    {
        var kept = value.detach().to(value.is_integral() ? ScalarType.Int64 : ScalarType.Float32, CPU).contiguous();
        // The names of a state dict: a module that is used twice has one weight.
        name = path == "" ? name : $"{path}.{name}";
        if (Constants.TryGetValue(name, out var there) && there.shape.SequenceEqual(kept.shape) && there.bytes.SequenceEqual(kept.bytes))
            return new OnnxValue(this, name, there);
        name = Unique(name);
        Constants[name] = kept;
        return new OnnxValue(this, name, kept);
    }

    /// <summary>Computes a value from images by the nodes as they are now.</summary>
    public Tensor Run(Tensor images, string output)
    {
        var values = new Dictionary<string, Tensor>(Constants) { [Input.Name] = images };
        foreach (var node in Nodes) values[node.Output] = node.Compute([.. node.Inputs.Select(input => values[input])]);
        return values[output];
    }

    public void Rename(string from, string to)
    {
        for (var i = 0; i < Nodes.Count; i++)
            Nodes[i] = Nodes[i] with { Inputs = [.. Nodes[i].Inputs.Select(New)], Output = New(Nodes[i].Output) };

        string New(string name) => name == from ? to : name;
    }

    /// <summary>What a module gives, as float32 on the CPU.</summary>
    // A copy goes in, for layers may work in place.
    public Tensor Forward(Module<Tensor, Tensor> module, Tensor input) =>
        module.call(input.to(dtype, device, copy: true)).to(ScalarType.Float32, CPU);

    public static void Check(string title, Tensor described, Tensor forward)
    {
        if (!described.shape.SequenceEqual(forward.shape))
            throw new InvalidOperationException($"{title}: its description for ONNX gives [{string.Join(",", described.shape)}], "
                + $"its forward [{string.Join(",", forward.shape)}] (of {forward.shape.FirstOrDefault()} images).");
        var (difference, largest) = ((described - forward).abs().max().item<float>(), forward.abs().max().item<float>());
        if (!(difference <= Tolerance * largest))
            throw new InvalidOperationException(
                $"{title}: its description for ONNX differs from its forward by up to "
                + FormattableString.Invariant($"{difference:G3}, where the largest value is {largest:G3}."));
    }

    private string Title(Module module) => path == "" ? module.GetType().Name : $"{path} ({module.GetType().Name})";
    private string Within(string name) => path == "" ? name : $"{path}/{name}";

    private string Unique(string name)
    {
        var unique = name;
        for (var i = 2; !names.Add(unique); i++) unique = $"{name}_{i}";
        return unique;
    }
}
