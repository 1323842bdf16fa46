namespace Ard.Trainers.Tests.Objectives;

/// <summary>
/// Two training iterations in float64 of a tiny network with batch normalisation, against the same written down in PyTorch with all passes
/// of the released codes (make_fixtures.py; make_successor_fixtures.py for the successors of ARD; make_saad_fixture.py runs SAAD's own
/// code): adversarial images, logits, losses,
/// gradients, and in the end weights and running statistics.
/// </summary>
public sealed class RecordedRunTests
{
    private static readonly Fixture First = Fixture.Beside("tiny_objectives.safetensors");
    private static readonly Fixture Successors = Fixture.Beside("tiny_successors.safetensors");
    private static readonly Fixture Release = Fixture.Beside("tiny_saad.safetensors");

    [Theory]
    [InlineData("ard_t30_a1", 0, 12)]
    [InlineData("ard_t4_a05", 0, 12)]
    [InlineData("distillation_t4_a05", 0, 1)]
    [InlineData("adversarial_training", 0, 1)]
    [InlineData("trades", 0, 3)]
    [InlineData("natural", 0, 1)]
    [InlineData("rslad", 0, 2)]
    [InlineData("adaad", 0, 2)]
    [InlineData("adaad_a05", 0, 2)]
    [InlineData("iad_before", 59, 13)]
    [InlineData("iad", 60, 14)]
    [InlineData("iad_t5_a07_weighted", 199, 14)]
    [InlineData("adaiad_before", 59, 3)]
    [InlineData("adaiad", 60, 4)]
    [InlineData("adaiad_a05", 60, 4)]
    [InlineData("rslad+igdm", 99, 4)]
    [InlineData("ard+igdm", 199, 14)]
    [InlineData("saad", 99, 3)]
    [InlineData("saad_g2_a10_b05", 199, 3)]
    public void Two_iterations_equal_those_written_down_in_PyTorch(string method, int epoch, int trainForwards)
    {
        using var scope = NewDisposeScope();
        var recorded = new[] { Successors, Release, First }.First(fixture => fixture.Has($"{method}.it1.loss"));
        var (student, teacher) = (Network("student."), Network("teacher."));
        teacher.eval();
        var teacherBefore = teacher.state_dict().ToDictionary(pair => pair.Key, pair => pair.Value.clone());
        var objective = Objective(method);
        var startsNearby = method.Split('_', '+')[0] is "trades" or "rslad" or "adaad" or "adaiad" or "saad";
        var recorder = new RecordingNetwork(student);
        recorder.train();
        using var generator = new Generator(0);
        using var optimizer = optim.SGD(student.parameters(), 0.1, momentum: 0.9, weight_decay: 2e-4);
        var tracked = student.state_dict()["bn1.num_batches_tracked"].item<long>();
        var batch = default(TrainingBatch);
        for (var i = 1; i <= 2; i++)
        {
            recorder.Calls.Clear();
            var noise = First["noise"][i - 1].to(ScalarType.Float64);
            batch = new TrainingBatch
            {
                Student = recorder,
                Teacher = objective.NeedsTeacher ? teacher : null,
                Images = First.Double("images"),
                Labels = First["labels"],
                Generator = generator,
                StartNoise = startsNearby ? noise / 20 : noise,
                Epoch = epoch,
                Epochs = 200,
            };
            var loss = objective.Loss(batch);
            optimizer.zero_grad();
            loss.backward();

            var it = $"{method}.it{i}.";
            Assert.Equal(0, loss.dim());
            Assert.True(student.training);
            Assert.Equal(trainForwards, recorder.Calls.Count(call => call.Training));
            Compare.Close(recorded[it + "loss"], loss, 1e-6, it + "loss");
            Compare.Close(recorded[it + "logits"], batch.Logits!, 1e-6, it + "logits");
            Assert.False(batch.Logits!.requires_grad);
            if (recorded == First) Gradients(it);
            if (First.Has(it + "adversarial"))
            {
                // The last but for the clean pass, where there is one.
                var adversarial = recorder.Calls[method == "adversarial_training" ? ^1 : ^2].Input;
                Compare.Close(First[it + "adversarial"], adversarial, 1e-6, it + "adversarial");
            }
            optimizer.step();
        }
        if (recorded != First)
        {
            Gradients($"{method}.");
            Compare.Close(recorded[method + ".adversarial"], batch!.Adversarial!.narrow(0, 0, 2), 1e-6, "adversarial");
        }
        foreach (var (name, value) in student.state_dict())
            Compare.Close(recorded[$"{method}.after.{name}"], value, 1e-6, $"{method}.after.{name}");
        Assert.Equal(tracked + 2 * trainForwards, student.state_dict()["bn1.num_batches_tracked"].item<long>());
        Assert.All(teacher.parameters(), parameter => Assert.Null(parameter.grad));
        foreach (var (name, value) in teacher.state_dict()) Compare.Same(teacherBefore[name], value, "teacher." + name);

        void Gradients(string prefix)
        {
            foreach (var (name, parameter) in student.named_parameters())
                Compare.Close(recorded[$"{prefix}grad.{name}"], parameter.grad!, 1e-6, $"{prefix}grad.{name}");
        }
    }

    [Theory]
    [InlineData("ard_t30_a1")]
    [InlineData("distillation_t4_a05")]
    [InlineData("adversarial_training")]
    [InlineData("trades")]
    [InlineData("natural")]
    [InlineData("rslad")]
    [InlineData("adaad")]
    [InlineData("adaad_a05")]
    [InlineData("iad")]
    [InlineData("adaiad")]
    [InlineData("rslad+igdm")]
    [InlineData("saad")]
    [InlineData("saad_g2_a10_b05")]
    public void A_step_in_float32_works_and_leaks_no_tensor(string method)
    {
        var objective = Objective(method);
        var (student, teacher) = (Network("student.", ScalarType.Float32), Network("teacher.", ScalarType.Float32));
        teacher.eval();
        using var generator = new Generator(1);
        for (var step = 0; step < 3; step++)
        {
            using var outer = NewDisposeScope();
            using (NewDisposeScope())
            {
                var batch = new TrainingBatch
                {
                    Student = student,
                    Teacher = teacher,
                    Images = First["images"],
                    Labels = First["labels"],
                    Generator = generator,
                    Epoch = 60,
                    Epochs = 200,
                };
                student.zero_grad(set_to_none: false);
                objective.Loss(batch).backward();
            }
            // Nothing has escaped the scope of the step but the gradients, which belong to the parameters.
            Assert.Equal(0, outer.DisposablesCount);
        }
        Assert.All(student.parameters(), parameter => Assert.True(parameter.grad!.isfinite().all().item<bool>()));
    }

    internal static Objective Objective(string method) => method switch
    {
        "ard_t30_a1" => new AdversariallyRobustDistillation(),
        "ard_t4_a05" => new AdversariallyRobustDistillation(Small.Ard(temperature: 4, alpha: 0.5)),
        "distillation_t4_a05" => new Distillation(new() { Alpha = 0.5, Distillation = new() { Temperature = 4 } }),
        "adversarial_training" => new AdversarialTraining(),
        "trades" => new Trades(),
        "natural" => new Natural(),
        "rslad" => new Rslad(),
        // The record is of 4 classes with the mean over batch and classes.
        "adaad" => new AdaAd(new() { Distillation = new() { Temperature = 1 } }),
        "adaad_a05" => new AdaAd(new() { Distillation = new() { Temperature = 1 }, Alpha = 0.5 }),
        "iad_before" or "iad" => new Iad(),
        "iad_t5_a07_weighted" => new Iad(new()
        {
            Distillation = new IadOptions().Distillation with { Temperature = 5 },
            Alpha = 0.7,
            TrustWeightsTeacher = true,
        }),
        "adaiad_before" or "adaiad" => new AdaIad(),
        "adaiad_a05" => new AdaIad(new() { Alpha = 0.5 }),
        "rslad+igdm" => new Igdm(new Rslad(), new() { Weight = 10 }),
        "ard+igdm" => new Igdm(new AdversariallyRobustDistillation()),
        "saad" => new Saad(),
        "saad_g2_a10_b05" => new Saad(new() { EntropyOrder = 2, IgdmWeight = 10, CleanWeight = 0.5 }),
        _ => throw new ArgumentOutOfRangeException(nameof(method), method, null),
    };

    private static TinyBatchNormNetwork Network(string prefix, ScalarType dtype = ScalarType.Float64)
    {
        var network = TinyBatchNormNetwork.Create();
        Weights.Load(network, First.All, prefix);
        return network.to(dtype);
    }
}
