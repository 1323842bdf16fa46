using Ard.MLNet;
using Ard.Trainers.Attacks;
using Ard.Trainers.Data;
using Ard.Trainers.Evaluation;
using Ard.Trainers.Networks;
using Ard.Trainers.Objectives;
using Ard.Trainers.Training;
using Microsoft.ML;
using TorchSharp;

namespace Ard.Gpu.Tests;

/// <summary>What the GPU computes is what the CPU computes: in float64 to its rounding, in float32 to that of its convolutions.</summary>
public sealed class SameResultTests
{
    // GPUs round the factors of float32 convolutions to 10 bits (TF32) by default.
    private static readonly (ScalarType Type, double Tolerance)[] Types = [(ScalarType.Float64, 1e-7), (ScalarType.Float32, 2e-2)];

    [GpuTheory]
    [InlineData("resnet18-8")]
    [InlineData("preactresnet18-8-bn")]
    [InlineData("wideresnet-10-1")]
    [InlineData("smallcnn-8-bn")]
    public void Logits_and_gradients_of_the_images(string name)
    {
        foreach (var (type, tolerance) in Types)
        {
            using var scope = NewDisposeScope();
            using var network = NetworkSpec.Parse(name).Build(1).to(type);
            network.eval();
            var (images, labels) = Batch(16, type);
            var expected = Compute(CPU);
            var found = Compute(TestDevice.Device);
            foreach (var (one, other) in expected.Zip(found)) AssertClose(one, other, tolerance, $"{name} in {type}");

            Tensor[] Compute(Device device)
            {
                network.to(device);
                var leaf = images.to(device, copy: true).requires_grad_();
                var logits = network.call(leaf);
                functional.cross_entropy(logits, labels.to(device), reduction: Reduction.Sum).backward();
                return [logits.detach().cpu(), leaf.grad!.cpu()];
            }
        }
    }

    [GpuTheory]
    [InlineData("natural")]
    [InlineData("kd")]
    [InlineData("at")]
    [InlineData("trades")]
    [InlineData("mart")]
    [InlineData("ard")]
    [InlineData("rslad")]
    [InlineData("iad")]
    [InlineData("adaad")]
    [InlineData("mtard")]
    public void A_step_of_training_from_the_same_start(string method)
    {
        using var scope = NewDisposeScope();
        var (images, labels) = Batch(8, ScalarType.Float64);
        using var random = new Generator(4);
        var noise = empty(images.shape, ScalarType.Float64).uniform_(-0.03, 0.03, random);
        var (loss, weights) = Step(CPU);
        var (foundLoss, foundWeights) = Step(TestDevice.Device);
        AssertClose(loss, foundLoss, 1e-6, $"loss of {method}");
        AssertClose(weights, foundWeights, 1e-6, $"weights after {method}");

        (Tensor Loss, Tensor Weights) Step(Device device)
        {
            using var student = NetworkSpec.Parse("smallcnn-4-bn").Build(1).to(ScalarType.Float64).to(device);
            using var teacher = NetworkSpec.Parse("smallcnn-4-bn").Build(2).to(ScalarType.Float64).to(device);
            teacher.eval();
            foreach (var parameter in teacher.parameters()) parameter.requires_grad = false;
            using var optimizer = optim.SGD(student.parameters(), 0.1, momentum: 0.9);
            using var generator = new Generator(3, device);
            using var memory = new ObjectiveMemory();
            var objective = ObjectiveCatalog.ByName(method);
            var batch = new TrainingBatch
            {
                Student = student,
                Teacher = teacher,
                NaturalTeacher = teacher,
                Images = images.to(device),
                Labels = labels.to(device),
                StartNoise = noise.to(device),
                Generator = generator,
                Memory = memory,
            };
            var loss = objective.Loss(batch);
            loss.backward();
            objective.AfterBackward(batch);
            optimizer.step();
            return (loss.detach().cpu(), cat([.. student.parameters().Select(parameter => parameter.detach().flatten())], 0).cpu());
        }
    }

    [GpuFact]
    public void The_evaluator_finds_the_same_points_right()
    {
        using var scope = NewDisposeScope();
        using var data = Glyphs.Generate(200, seed: 1);
        using var network = Trained("cpu", data, out _);
        var options = new EvaluationOptions
        {
            Threat = ThreatModel.Linf(0.05),
            Attacks = ["fgsm", "pgd-20", "apgd-ce"],
            CheckNetwork = false,
        };
        var expected = new RobustnessEvaluator(options).Evaluate(network, data.Images, data.Labels);
        network.to(TestDevice.Device);
        var found = new RobustnessEvaluator(options).Evaluate(network, data.Images, data.Labels);
        foreach (var attack in new[] { "clean", "fgsm", "pgd-20", "apgd-ce" })
        {
            // A point on the border may fall to either side.
            var differ = expected[attack].Correct.Zip(found[attack].Correct).Count(pair => pair.First != pair.Second);
            Assert.InRange(differ, 0, 4);
        }
    }

    [GpuFact]
    public void A_classifier_of_ML_NET_trained_there_scores_as_its_network_does()
    {
        var ml = new MLContext(seed: 1);
        var data = ml.Data.LoadGlyphs(100, seed: 1);
        var keyed = ml.Transforms.Conversion.MapValueToKey("Label").Fit(data).Transform(data);
        using var classifier = ml.MulticlassClassification.Trainers.AdversarialTraining(new()
        {
            Network = "tinycnn-4-bn",
            Training = new() { Epochs = 1, ValidationFraction = 0, Device = TestDevice.Name },
        }).Fit(keyed);
        var scored = classifier.Transform(keyed);
        var predicted = new List<long>();
        using (var cursor = scored.GetRowCursor([scored.Schema["PredictedLabel"]]))
        {
            var get = cursor.GetGetter<uint>(scored.Schema["PredictedLabel"]);
            uint label = 0;
            while (cursor.MoveNext())
            {
                get(ref label);
                predicted.Add(label - 1);
            }
        }
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        using var glyphs = Glyphs.Generate(100, seed: 1);
        var where = classifier.Model.parameters().First().device;
        var expected = classifier.Model.call(glyphs.Batch(0, 100).Images.to(where)).argmax(1).cpu().data<long>().ToArray();
        Assert.InRange(expected.Zip(predicted).Count(pair => pair.First != pair.Second), 0, 1);
    }

    internal static Module<Tensor, Tensor> Trained(
        string device, ImageDataset data, out TrainingResult result, Precision precision = Precision.Full, int epochs = 3)
    {
        var network = (NetworkSpec.Parse("smallcnn-8-bn") with { InputChannels = 1, ImageSize = Glyphs.ImageSize }).Build(1);
        result = Trainer.Fit(
            network, Objective.AdversarialTraining(new() { Threat = ThreatModel.Linf(0.05), StepSize = 0.02, Steps = 4 }),
            data, new TrainingOptions
            {
                Epochs = epochs,
                BatchSize = 50,
                Optimizer = new SgdOptimizer { LearningRate = 0.05 },
                Schedule = Schedule.Constant,
                ValidationFraction = 0,
                Precision = precision,
                Device = device,
            });
        return network;
    }

    internal static (Tensor Images, Tensor Labels) Batch(int count, ScalarType type)
    {
        using var generator = new Generator(7);
        return (rand([count, 3, 32, 32], ScalarType.Float64, generator: generator).to(type), randint(0, 10, [count], generator: generator));
    }

    private static double Value(Tensor scalar) => scalar.to(ScalarType.Float64).item<double>();

    internal static void AssertClose(Tensor expected, Tensor found, double relative, string what)
    {
        using var scope = NewDisposeScope();
        var (largest, difference) = (Value(expected.abs().max()), Value((expected - found).abs().max()));
        Assert.True(difference <= relative * largest, $"{what}: differs by {difference:G3}, largest value {largest:G3}");
    }
}
