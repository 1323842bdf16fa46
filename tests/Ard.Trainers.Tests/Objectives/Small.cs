using System.Collections.Concurrent;

namespace Ard.Trainers.Tests.Objectives;

/// <summary>Networks, batches and trainings that are as small as they can be.</summary>
internal static class Small
{
    /// <summary>The network with batch normalisation in float64, with weights of a seed, in train mode; a teacher in eval mode.</summary>
    public static TinyBatchNormNetwork Network(ulong seed, bool teacher = false)
    {
        using var generator = new Generator(seed);
        var network = TinyBatchNormNetwork.Create();
        network.to(ScalarType.Float64);
        using (no_grad())
        {
            foreach (var parameter in network.parameters()) parameter.normal_(0, 0.5, generator);
        }
        network.train(!teacher);
        return network;
    }

    /// <summary>The settings of ARD at another temperature and alpha.</summary>
    public static ArdOptions Ard(double temperature = 30, double alpha = 1) => Ard(new(), temperature, alpha);

    public static ArdOptions Ard(ArdOptions preset, double temperature, double alpha) =>
        preset with { Alpha = alpha, Distillation = preset.Distillation with { Temperature = temperature } };

    public static Tensor Images(int count, ulong seed, params long[] shape)
    {
        using var generator = new Generator(seed);
        return empty([count, .. shape.Length == 0 ? [3L, 8, 8] : shape], dtype: ScalarType.Float64).uniform_(0, 1, generator);
    }

    public static Tensor Labels(int count, int classes = 4) => arange(count, ScalarType.Int64).remainder(classes);

    public static TrainingBatch Batch(
        Module<Tensor, Tensor> student, Tensor images, Tensor? labels = null, Module<Tensor, Tensor>? teacher = null,
        Module<Tensor, Tensor>? naturalTeacher = null, ObjectiveMemory? memory = null, long step = 0, Action<string>? warn = null,
        Tensor? noise = null, Module<Tensor, Tensor>? peer = null) => new()
        {
            Student = student,
            Teacher = teacher,
            NaturalTeacher = naturalTeacher,
            Peer = peer,
            Images = images,
            Labels = labels ?? Labels((int)images.shape[0]),
            Generator = new Generator(1),
            Memory = memory ?? new ObjectiveMemory(),
            Step = step,
            Warn = warn,
            StartNoise = noise,
        };

    private static readonly ConcurrentDictionary<long, Dictionary<string, Tensor>> GlyphWeights = new();

    /// <summary>
    /// A student or teacher of the built-in images, in eval mode. One seed means the same weights each time, even while another test
    /// makes modules, which draw from the random state that <c>Build</c> seeds.
    /// </summary>
    public static Module<Tensor, Tensor> GlyphNetwork(long seed)
    {
        var network = (NetworkSpec.Parse("tinycnn-2-bn") with { InputChannels = 1, ImageSize = 16 }).Build(seed);
        network.load_state_dict(GlyphWeights.GetOrAdd(
            seed, _ => network.state_dict().ToDictionary(pair => pair.Key, pair => pair.Value.clone().DetachFromDisposeScope())));
        network.eval();
        return network;
    }

    public static TrainingOptions Options => new()
    {
        Epochs = 2,
        BatchSize = 16,
        Optimizer = new SgdOptimizer { LearningRate = 0.02 },
        Schedule = Schedule.Constant,
        ValidationFraction = 0,
        Threads = 1,
        Device = "cpu",
        ProgressInterval = TimeSpan.Zero,
        AcceptTeacherNearChance = true,
    };

    /// <summary>
    /// Trains on 40 built-in images, 3 batches an epoch, with two teachers and a peer, and gives what came out and the
    /// weights of student and, behind "peer.", peer.
    /// </summary>
    public static (TrainingResult Result, Dictionary<string, Tensor> Weights) Train(
        Objective objective, TrainingOptions options, Action<TrainingProgress>? see = null)
    {
        using var data = Glyphs.Generate(40, seed: 1);
        using var student = GlyphNetwork(3);
        using var teacher = GlyphNetwork(4);
        using var natural = GlyphNetwork(5);
        using var peer = GlyphNetwork(6);
        var result = Trainer.Fit(
            new(student, teacher, NaturalTeacher: natural, Peer: peer), objective, data, options,
            progress: see is null ? null : new Observer(see));
        return (result, student.state_dict().Concat(peer.state_dict().Select(pair => KeyValuePair.Create("peer." + pair.Key, pair.Value)))
            .ToDictionary(pair => pair.Key, pair => pair.Value.detach().clone()));
    }

    /// <summary>
    /// Fails unless a training that is killed after the given number of reports (one a step, one an epoch) and resumed ends with the bits
    /// of the uninterrupted one.
    /// </summary>
    public static TrainingResult SurvivesAKill(Objective objective, int afterReports, TrainingOptions? options = null)
    {
        options ??= Options;
        var folder = Directory.CreateTempSubdirectory("ard-objective-").FullName;
        try
        {
            using var scope = NewDisposeScope();
            var whole = Train(objective, options);
            var writing = options with { CheckpointFolder = folder, CheckpointEverySteps = 1, Resume = true };
            var reports = 0;
            Assert.Throws<TimeoutException>(() => Train(objective, writing, _ =>
            {
                if (++reports > afterReports) throw new TimeoutException();
            }));
            var resumed = Train(objective, writing);
            foreach (var (name, value) in whole.Weights) Compare.Same(value, resumed.Weights[name], name);
            Assert.Equal(
                whole.Result.History.Select(e => e with { Seconds = 0 }), resumed.Result.History.Select(e => e with { Seconds = 0 }));
            Assert.Equal(whole.Result.Warnings, resumed.Result.Warnings);
            return resumed.Result;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private sealed class Observer(Action<TrainingProgress> see) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => see(value);
    }
}
