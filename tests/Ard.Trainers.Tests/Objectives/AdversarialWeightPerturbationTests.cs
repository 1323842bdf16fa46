namespace Ard.Trainers.Tests.Objectives;

public sealed class AdversarialWeightPerturbationTests
{
    private static readonly Fixture Recorded = Fixture.Beside("tiny_objectives.safetensors");

    private static readonly string[] Methods = ["natural", "at", "trades", "kd", "ard"];

    public static TheoryData<string> Hosts => [.. Methods];

    private static TinyBatchNormNetwork Network(string prefix)
    {
        var network = TinyBatchNormNetwork.Create();
        Weights.Load(network, Recorded.All, prefix);
        network.to(ScalarType.Float64);
        network.train();
        return network;
    }

    private static Objective Host(string name) => name switch
    {
        "kd" or "ard" => ObjectiveCatalog.ByName(name, new() { Alpha = 0.5 }),
        _ => ObjectiveCatalog.ByName(name),
    };

    private static TrainingBatch Batch(Module<Tensor, Tensor> student, Generator generator, int epoch = 0)
    {
        var teacher = Network("teacher.");
        teacher.eval();
        return new TrainingBatch
        {
            Student = student,
            Teacher = teacher,
            Images = Recorded.Double("images"),
            Labels = Recorded["labels"],
            Generator = generator,
            Epoch = epoch,
        };
    }

    [Fact]
    public void With_a_linear_model_loss_and_gradient_are_those_at_the_weights_worked_out_by_hand()
    {
        using var scope = NewDisposeScope();
        const double gamma = 0.2;
        using var network = LinearNetwork.Random(4, 3, seed: 1, ScalarType.Float64);
        using var generator = new Generator(2);
        var points = empty([5, 4], dtype: ScalarType.Float64).uniform_(0, 1, generator);
        var labels = tensor(new long[] { 0, 2, 1, 1, 0 });
        var batch = new TrainingBatch
        {
            Student = network,
            Images = zeros_like(points),
            Labels = labels,
            Generator = generator,
            Adversarial = points,
        };
        var (weight, bias) = (network.Weight.detach().clone(), network.Bias.detach().clone());
        var truth = functional.one_hot(labels, 3).to(ScalarType.Float64);

        // The gradient of the mean cross-entropy of softmax(xW + b) is x'(p - y)/N.
        Tensor Wrong(Tensor w) => (points.matmul(w) + bias).softmax(1) - truth;
        Tensor Gradient(Tensor w) => points.t().matmul(Wrong(w)) / 5;
        var ascent = Gradient(weight);
        var moved = weight + ascent * (gamma * weight.square().sum().sqrt() / ascent.square().sum().sqrt());
        var logits = points.matmul(moved) + bias;
        var expected = -(truth * logits.log_softmax(1)).sum() / 5;

        var objective = new AdversarialWeightPerturbation(new AdversarialTraining(), new() { Gamma = gamma });
        var loss = objective.Loss(batch);
        Compare.Close(moved, network.Weight, 1e-12, "perturbed weight");
        Compare.Same(bias, network.Bias, "bias");
        Compare.Close(expected, loss, 1e-12, "loss");
        Compare.Close(logits, batch.Logits!, 1e-12, "logits");
        Assert.Null(network.Weight.grad);
        loss.backward();
        objective.AfterBackward(batch);
        Compare.Same(weight, network.Weight, "weight put back");
        Compare.Close(Gradient(moved), network.Weight.grad!, 1e-12, "gradient of the weight");
        Compare.Close(Wrong(moved).sum([0L]) / 5, network.Bias.grad!, 1e-12, "gradient of the bias");
        Assert.True(loss.item<double>() > new AdversarialTraining().Loss(batch).item<double>());
    }

    // Everything that a step of the method leaves behind.
    private static Dictionary<string, Tensor> Step(Objective objective, int epoch = 0)
    {
        var student = Network("student.");
        using var generator = new Generator(7);
        var batch = Batch(student, generator, epoch);
        var loss = objective.Loss(batch);
        loss.backward();
        objective.AfterBackward(batch);
        // Copies: the network is gone after this, and with it its tensors, as soon as memory is collected.
        var left = student.state_dict().ToDictionary(pair => pair.Key, pair => pair.Value.detach().clone());
        foreach (var (name, parameter) in student.named_parameters()) left["grad." + name] = parameter.grad!.clone();
        left["loss"] = loss;
        left["logits"] = batch.Logits!;
        left["generator"] = generator.get_state();
        if (batch.Adversarial is not null) left["adversarial"] = batch.Adversarial;
        return left;
    }

    private static void Same(Dictionary<string, Tensor> expected, Dictionary<string, Tensor> actual)
    {
        Assert.Equal(expected.Keys, actual.Keys);
        foreach (var (name, value) in expected) Compare.Same(value, actual[name], name);
    }

    [Theory]
    [MemberData(nameof(Hosts))]
    public void Without_perturbation_it_is_the_host_bit_for_bit_running_statistics_too(string host)
    {
        using var scope = NewDisposeScope();
        var expected = Step(Host(host));
        Same(expected, Step(new AdversarialWeightPerturbation(Host(host), new() { Gamma = 0 })));
        Same(expected, Step(new AdversarialWeightPerturbation(Host(host), new() { Gamma = 0.5, WarmUpEpochs = 3 }), epoch: 2));
        // All is done as ever, and the weights move by less than their last bit.
        Same(expected, Step(new AdversarialWeightPerturbation(Host(host), new() { Gamma = 1e-200 })));

        var perturbed = Step(new AdversarialWeightPerturbation(Host(host), new() { Gamma = 0.01, WarmUpEpochs = 3 }), epoch: 3);
        Assert.False(expected["grad.conv1.weight"].eq(perturbed["grad.conv1.weight"]).all().item<bool>());
        Compare.Same(expected["conv1.weight"], perturbed["conv1.weight"], "conv1.weight");
        Assert.Equal(expected["bn1.num_batches_tracked"].item<long>(), perturbed["bn1.num_batches_tracked"].item<long>());
    }

    [Fact]
    public void Only_weights_of_two_or_more_dimensions_move_each_by_gamma_times_its_norm_and_only_where_they_are_trained()
    {
        using var scope = NewDisposeScope();
        var student = Network("student.");
        var parameters = student.named_parameters().ToArray();
        parameters.Single(p => p.name == "conv1.weight").parameter.requires_grad = false;
        var before = parameters.ToDictionary(p => p.name, p => p.parameter.detach().clone());
        using var generator = new Generator(7);
        new AdversarialWeightPerturbation(new Trades(), new() { Gamma = 0.03 }).Loss(Batch(student, generator));
        using var noGradient = no_grad();
        foreach (var (name, parameter) in parameters)
        {
            var expected = name is "conv2.weight" or "linear.weight" ? 0.03 : 0;
            Assert.Equal(expected, ((parameter - before[name]).norm() / (before[name].norm() + 1e-30)).item<double>(), 12);
        }
    }

    [Fact]
    public void The_attack_runs_once_and_gradients_that_were_there_are_left_alone()
    {
        using var scope = NewDisposeScope();
        var recorder = new RecordingNetwork(Network("student."));
        foreach (var parameter in recorder.parameters()) parameter.grad = ones_like(parameter).detach();
        using var generator = new Generator(7);
        var objective = new AdversarialWeightPerturbation(new AdversariallyRobustDistillation());
        objective.Loss(Batch(recorder, generator));
        Assert.Equal(10 + 2 * 2, recorder.Calls.Count);   // ten steps, twice the adversarial and the clean pass
        Assert.All(recorder.parameters(), parameter => Compare.Same(ones_like(parameter), parameter.grad!, "gradient"));
    }

    [Fact]
    public void A_step_leaks_no_tensor()
    {
        var objective = ObjectiveCatalog.ByName("ard+awp");
        var student = Network("student.");
        using var generator = new Generator(1);
        for (var step = 0; step < 3; step++)
        {
            using var outer = NewDisposeScope();
            using (NewDisposeScope())
            {
                var batch = Batch(student, generator);
                student.zero_grad(set_to_none: false);
                objective.Loss(batch).backward();
                objective.AfterBackward(batch);
            }
            Assert.Equal(0, outer.DisposablesCount);
        }
    }

    [Fact]
    public void In_the_catalogue_it_is_a_suffix_of_any_method_with_the_released_settings()
    {
        var ard = Assert.IsType<AdversarialWeightPerturbation>(ObjectiveCatalog.ByName("ARD +AWP ", new() { Temperature = 5 }));
        Assert.Equal((0.01, 0), (ard.Options.Gamma, ard.Options.WarmUpEpochs));
        Assert.Equal(5, Assert.IsType<AdversariallyRobustDistillation>(ard.Host).Options.Distillation.Temperature);
        Assert.True(ard.NeedsTeacher);
        Assert.Equal("ard+awp", ard.Name);
        Assert.Superset(
            new HashSet<string>(["Objective: ard+awp", "Objective.Host: ard", "Objective.Options.Gamma: 0.01"]),
            OptionsText.Lines("Objective", ard).ToHashSet());

        var trades = Assert.IsType<AdversarialWeightPerturbation>(ObjectiveCatalog.ByName("trades+awp"));
        Assert.Equal((0.005, 9), (trades.Options.Gamma, trades.Options.WarmUpEpochs));
        Assert.False(trades.NeedsTeacher);
        Assert.Contains("then +igdm or +awp or +fast or nothing",
            Assert.Throws<ArgumentException>(() => ObjectiveCatalog.ByName("ard+awq")).Message, StringComparison.Ordinal);
        // Not around itself, nor where another one is between.
        foreach (var twice in new[] { "at+awp+awp", "adaad+awp+igdm+awp" })
            Assert.Contains("perturbs the weights already", Assert.Throws<ArgumentException>(() => ObjectiveCatalog.ByName(twice)).Message);
        Assert.Throws<ArgumentException>(() => ObjectiveCatalog.ByName("+awp"));
    }

    [Fact]
    public void Wrong_settings_are_refused_all_at_once()
    {
        var fault = Assert.Throws<ArgumentException>(
            () => new AdversarialWeightPerturbation(new Natural(), new() { Gamma = -1, WarmUpEpochs = -1 }));
        Assert.Contains("Gamma is -1", fault.Message);
        Assert.Contains("WarmUpEpochs is -1", fault.Message);
    }
}
