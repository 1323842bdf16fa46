using Ard.Trainers.Networks;
using Ard.Trainers.Objectives;
using Ard.Trainers.Tests.Fixtures;
using TorchSharp;
using static TorchSharp.torch;

namespace Ard.Trainers.Tests.Objectives;

/// <summary>
/// Two training iterations in float64 of the tiny network by the successors of ARD, against the same written down in PyTorch
/// (make_successor_fixtures.py) with all passes of the released codes: logits, losses, adversarial images, gradients, weights, statistics.
/// </summary>
public sealed class SuccessorRunTests
{
    private static readonly Fixture Data = Fixture.Beside("tiny_objectives.safetensors");
    private static readonly Fixture Recorded = Fixture.Beside("tiny_successors.safetensors");

    [Theory]
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
    public void Two_iterations_equal_those_written_down_in_PyTorch(string method, int epoch, int trainForwards)
    {
        using var scope = NewDisposeScope();
        var (student, teacher) = (Network("student."), Network("teacher."));
        teacher.eval();
        var teacherBefore = teacher.state_dict().ToDictionary(pair => pair.Key, pair => pair.Value.clone());
        var objective = Objective(method);
        var startsNearby = method.Split('_', '+')[0] is "rslad" or "adaad" or "adaiad";
        var recorder = new RecordingNetwork(student);
        recorder.train();
        using var generator = new Generator(0);
        using var optimizer = optim.SGD(student.parameters(), 0.1, momentum: 0.9, weight_decay: 2e-4);
        var batch = default(TrainingBatch);
        for (var i = 1; i <= 2; i++)
        {
            recorder.Calls.Clear();
            var noise = Data["noise"][i - 1].to(ScalarType.Float64);
            batch = new TrainingBatch
            {
                Student = recorder,
                Teacher = teacher,
                Images = Data.Double("images"),
                Labels = Data["labels"],
                Generator = generator,
                StartNoise = startsNearby ? noise / 20 : noise,
                Epoch = epoch,
                Epochs = 200,
            };
            var loss = objective.Loss(batch);
            optimizer.zero_grad();
            loss.backward();
            Assert.Equal(0, loss.dim());
            Assert.True(student.training);
            Assert.Equal(trainForwards, recorder.Calls.Count(call => call.Training));
            Compare.Close(Recorded[$"{method}.it{i}.loss"], loss, 1e-6, $"loss {i}");
            Compare.Close(Recorded[$"{method}.it{i}.logits"], batch.Logits!, 1e-6, $"logits {i}");
            Assert.False(batch.Logits!.requires_grad);
            optimizer.step();
        }
        Compare.Close(Recorded[method + ".adversarial"], batch!.Adversarial!.narrow(0, 0, 2), 1e-6, "adversarial");
        foreach (var (name, parameter) in student.named_parameters())
            Compare.Close(Recorded[$"{method}.grad.{name}"], parameter.grad!, 1e-6, "grad." + name);
        foreach (var (name, value) in student.state_dict())
            Compare.Close(Recorded[$"{method}.after.{name}"], value, 1e-6, "after." + name);
        Assert.All(teacher.parameters(), parameter => Assert.Null(parameter.grad));
        foreach (var (name, value) in teacher.state_dict()) Compare.Same(teacherBefore[name], value, "teacher." + name);
    }

    [Theory]
    [InlineData("rslad")]
    [InlineData("adaad")]
    [InlineData("adaad_a05")]
    [InlineData("iad")]
    [InlineData("adaiad")]
    [InlineData("rslad+igdm")]
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
                    Images = Data["images"],
                    Labels = Data["labels"],
                    Generator = generator,
                    Epoch = 60,
                    Epochs = 200,
                };
                student.zero_grad(set_to_none: false);
                objective.Loss(batch).backward();
            }
            Assert.Equal(0, outer.DisposablesCount);
        }
        Assert.All(student.parameters(), parameter => Assert.True(parameter.grad!.isfinite().all().item<bool>()));
    }

    internal static Objective Objective(string method) => method switch
    {
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
        "ard+igdm" => new Igdm(AdversariallyRobustDistillation.Official()),
        _ => throw new ArgumentOutOfRangeException(nameof(method), method, null),
    };

    private static TinyBatchNormNetwork Network(string prefix, ScalarType dtype = ScalarType.Float64)
    {
        var network = TinyBatchNormNetwork.Create();
        Weights.Load(network, Data.All, prefix);
        return network.to(dtype);
    }
}
