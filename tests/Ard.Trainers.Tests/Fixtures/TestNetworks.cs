namespace Ard.Trainers.Tests.Fixtures;

/// <summary>Passes everything on to a network and remembers, in order, what went in and what came out.</summary>
internal sealed class RecordingNetwork : Module<Tensor, Tensor>
{
    private readonly Module<Tensor, Tensor> network;

    public RecordingNetwork(Module<Tensor, Tensor> network) : base(nameof(RecordingNetwork))
    {
        this.network = network;
        RegisterComponents();
    }

    public List<(Tensor Input, Tensor Logits, bool Training)> Calls { get; } = [];

    public override Tensor forward(Tensor input)
    {
        var logits = network.call(input);
        Calls.Add((input.detach().clone().DetachFromDisposeScope(), logits.detach().clone().DetachFromDisposeScope(), network.training));
        return logits;
    }
}

/// <summary>The network of make_fixtures.py: two convolutions with batch normalisation, a mean over the image, a linear layer.</summary>
internal sealed class TinyBatchNormNetwork : Module<Tensor, Tensor>
{
    private readonly Conv2d conv1 = Conv2d(3, 4, 3, padding: 1, bias: false), conv2 = Conv2d(4, 6, 3, stride: 2, padding: 1, bias: false);
    private readonly BatchNorm2d bn1 = BatchNorm2d(4), bn2 = BatchNorm2d(6);
    private readonly Linear linear = Linear(6, 4);

    private TinyBatchNormNetwork() : base(nameof(TinyBatchNormNetwork)) => RegisterComponents();

    /// <summary>
    /// Seeded, so that drawing its weights does not disturb the networks of other tests, which are built at the same time.
    /// </summary>
    public static TinyBatchNormNetwork Create() => Initialisation.Seeded(0, () => new TinyBatchNormNetwork());

    public override Tensor forward(Tensor input)
    {
        var x = bn1.call(conv1.call(input)).relu();
        return linear.call(bn2.call(conv2.call(x)).relu().mean([2, 3]));
    }
}

/// <summary>logits = scale · (flatten(x) W + b), with weights drawn from a seed (standard normal, b at 1/2 balanced) or given.</summary>
internal sealed class LinearNetwork : Module<Tensor, Tensor>
{
    public LinearNetwork(Tensor weight, Tensor bias) : base(nameof(LinearNetwork))
    {
        Weight = new Parameter(weight.detach().clone());
        Bias = new Parameter(bias.detach().clone());
        register_parameter("weight", Weight);
        register_parameter("bias", Bias);
    }

    /// <summary>[inputs, classes]; the bias makes the mid-grey image undecided.</summary>
    public static LinearNetwork Random(long inputs, long classes, ulong seed, ScalarType dtype = ScalarType.Float32)
    {
        using var generator = new Generator(seed);
        var weight = empty([inputs, classes], dtype: dtype).normal_(0, 1, generator);
        return new LinearNetwork(weight, weight.sum([0L]) * -0.5);
    }

    /// <summary>
    /// Where in the L1 ball around a point [d], within [0,1], a linear function with this slope [d] is largest: the values of the largest
    /// slope go to their ends one after another.
    /// </summary>
    public static Tensor HighestInL1(Tensor point, Tensor slope, double epsilon)
    {
        var order = slope.abs().argsort(0, descending: true);
        var room = where(slope.gt(0), 1 - point, point).index_select(0, order);
        var spent = room.minimum((epsilon - (room.cumsum(0) - room)).clamp_min(0));
        return point + slope.sign() * spent.index_select(0, order.argsort(0));
    }

    public Parameter Weight { get; }

    public Parameter Bias { get; }

    public override Tensor forward(Tensor input) => input.flatten(1).matmul(Weight) + Bias;
}

/// <summary>A network given by a function, to misbehave with.</summary>
internal sealed class FunctionNetwork(Func<Tensor, Tensor> function) : Module<Tensor, Tensor>(nameof(FunctionNetwork))
{
    /// <summary>
    /// Each image by itself, so that it has the same logits and gradient in every batch, to the bit: libtorch's matrix products round
    /// otherwise for another number of rows on some processors, and attacks that go to the boundary are decided by the last bit there.
    /// </summary>
    public static FunctionNetwork RowByRow(Func<Tensor, Tensor> function) =>
        new(input => input.shape[0] == 0 ? function(input) : cat([.. input.split(1).Select(function)]));

    public override Tensor forward(Tensor input) => function(input);
}
