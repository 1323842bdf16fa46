namespace Ard.Trainers.Tests.Objectives;

public sealed class FreePerturbationTests
{
    private const double Epsilon = 0.1;

    private static FreePerturbation Free(int replays = 1) => new() { Threat = ThreatModel.Linf(Epsilon), Replays = replays };

    [Fact]
    public void Perturbation_and_loss_of_a_linear_network_are_those_worked_out_by_hand()
    {
        using var scope = NewDisposeScope();
        var student = LinearNetwork.Random(6, 4, seed: 2, ScalarType.Float64);
        var objective = new FreeAdversarialTraining(new() { Free = Free() });
        using var memory = new ObjectiveMemory();
        var delta = zeros([5, 6], ScalarType.Float64);
        // The last batch is smaller; the one after it is whole again.
        foreach (var (count, seed) in new[] { (5, 1UL), (5, 2UL), (3, 3UL), (5, 4UL) })
        {
            var (images, labels) = (Small.Images(count, seed, 6), Small.Labels(count));
            var batch = Small.Batch(student, images, labels, memory: memory);
            student.zero_grad();
            var loss = objective.Loss(batch);
            loss.backward();
            objective.AfterBackward(batch);

            var points = (images + delta.narrow(0, 0, count)).clamp(0, 1);
            var logits = (points.matmul(student.Weight) + student.Bias).detach();
            var error = logits.softmax(1) - functionalOneHot(labels);
            Compare.Close(-logits.log_softmax(1).gather(1, labels.unsqueeze(1)).mean(), loss, 1e-12, "loss");
            Compare.Close(points.t().matmul(error) / count, student.Weight.grad!, 1e-12, "gradient of the weights");

            var moved = points + error.matmul(student.Weight.detach().t()).sign() * Epsilon;
            moved = moved.maximum(images - Epsilon).minimum(images + Epsilon).clamp(0, 1) - images;
            delta = cat([moved, delta.narrow(0, count, 5 - count)]);
            Compare.Close(delta, memory["free.delta"]!, 0, "delta", absolute: 1e-15);
        }
        Assert.True(delta.abs().max().item<double>() > 0.9 * Epsilon);

        static Tensor functionalOneHot(Tensor labels) => labels.unsqueeze(1).eq(arange(4, ScalarType.Int64)).to(ScalarType.Float64);
    }

    [Fact]
    public void With_one_replay_the_weight_update_of_Fast_ARD_is_a_step_of_the_free_algorithm_by_hand()
    {
        using var scope = NewDisposeScope();
        const double alpha = 0.7, temperature = 3, rate = 0.5;
        var (student, teacher) = (LinearNetwork.Random(6, 4, 2, ScalarType.Float64), LinearNetwork.Random(6, 4, 3, ScalarType.Float64));
        teacher.eval();
        var objective = new FastArd(new()
        {
            Free = Free(),
            Alpha = alpha,
            Distillation = new() { Temperature = temperature, Reduction = KlReduction.BatchMean },
        });
        Assert.Equal(1, objective.Replays);
        using var optimizer = optim.SGD(student.parameters(), rate);
        using var memory = new ObjectiveMemory();
        var (weight, bias) = (student.Weight.detach().clone(), student.Bias.detach().clone());
        var delta = zeros([5, 6], ScalarType.Float64);
        for (var step = 0; step < 3; step++)
        {
            var (images, labels) = (Small.Images(5, (ulong)step, 6), Small.Labels(5));
            var batch = Small.Batch(student, images, labels, teacher, memory: memory, step: step);
            optimizer.zero_grad();
            var loss = objective.Loss(batch);
            loss.backward();
            objective.AfterBackward(batch);
            optimizer.step();

            var points = (images + delta).clamp(0, 1);
            var (attacked, clean) = (points.matmul(weight) + bias, images.matmul(weight) + bias);
            var target = (teacher.call(images).detach() / temperature).softmax(1);
            var divergence = (target * (target.log() - (attacked / temperature).log_softmax(1))).sum() / 5;
            var entropy = -clean.log_softmax(1).gather(1, labels.unsqueeze(1)).mean();
            Compare.Close(divergence * (alpha * temperature * temperature) + entropy * (1 - alpha), loss, 1e-12, "loss");

            // The derivatives of both losses with regard to the logits.
            var distilling = ((attacked / temperature).softmax(1) - target) * (alpha * temperature / 5);
            var oneHot = labels.unsqueeze(1).eq(arange(4, ScalarType.Int64)).to(ScalarType.Float64);
            var classifying = (clean.softmax(1) - oneHot) * ((1 - alpha) / 5);
            var ascent = distilling.matmul(weight.t()).sign();
            weight -= (points.t().matmul(distilling) + images.t().matmul(classifying)) * rate;
            bias -= (distilling + classifying).sum([0L]) * rate;
            delta = (points + ascent * Epsilon).maximum(images - Epsilon).minimum(images + Epsilon).clamp(0, 1) - images;

            Compare.Close(weight, student.Weight, 1e-12, $"weights after step {step}");
            Compare.Close(bias, student.Bias, 1e-12, $"bias after step {step}");
            Compare.Close(delta, memory["free.delta"]!, 0, $"delta after step {step}", absolute: 1e-15);
        }
    }

    [Fact]
    public void Gradients_of_weights_and_perturbation_are_those_of_finite_differences()
    {
        using var scope = NewDisposeScope();
        var (student, teacher) = (Small.Network(1), Small.Network(2, teacher: true));
        // Away from 0 and 1, so that a small change is not cut off.
        var images = Small.Images(4, 3) * 0.5 + 0.25;
        var delta = (Small.Images(4, 5) - 0.5) * (1.9 * Epsilon);
        foreach (var objective in new Objective[]
        {
            new FreeAdversarialTraining(new() { Free = Free() }),
            new FastArd(new() { Free = Free(), Alpha = 0.6, Distillation = new() { Temperature = 2 } }),
        })
        {
            using var memory = new ObjectiveMemory();
            double Value()
            {
                using var inner = NewDisposeScope();
                memory.Set("free.delta", delta);
                return objective.Loss(Small.Batch(student, images, teacher: teacher, memory: memory)).item<double>();
            }
            Value();
            student.zero_grad();
            var batch = Small.Batch(student, images, teacher: teacher, memory: memory);
            objective.Loss(batch).backward();
            foreach (var (name, parameter) in student.named_parameters())
                Gradients.Check(Value, parameter, parameter.grad!.clone(), $"{objective.Name} {name}");
            Gradients.Check(Value, delta, batch.Adversarial!.grad!, $"{objective.Name} delta");
        }
    }

    [Fact]
    public void In_L2_a_step_has_the_length_epsilon_along_the_gradient_and_stays_in_the_ball()
    {
        using var scope = NewDisposeScope();
        var student = LinearNetwork.Random(12, 4, 2, ScalarType.Float64);
        var free = new FreePerturbation { Threat = ThreatModel.L2(0.2) };
        var objective = new FreeAdversarialTraining(new() { Free = free });
        using var memory = new ObjectiveMemory();
        var images = Small.Images(3, 1, 12) * 0.2 + 0.4;
        for (var replay = 0; replay < 3; replay++)
        {
            var batch = Small.Batch(student, images, memory: memory);
            objective.Loss(batch).backward();
            objective.AfterBackward(batch);
            var gradient = batch.Adversarial!.grad!;
            var step = gradient / gradient.square().sum(1, keepdim: true).sqrt() * 0.2;
            if (replay == 0) Compare.Close(step, memory["free.delta"]!, 1e-12, "delta");
            free.Threat.Verify(images + memory["free.delta"]!, images, "free");
        }
    }

    [Fact]
    public void Replays_of_a_batch_in_the_training_loop_are_the_algorithm_step_by_step()
    {
        using var scope = NewDisposeScope();
        using var data = new ImageDataset((Small.Images(5, 1, 1, 2, 3) * 255).to(ScalarType.Byte), Small.Labels(5), ["a", "b", "c", "d"]);
        var (images, labels) = data.Batch(0, 5);
        var (trained, byHand) = (LinearNetwork.Random(6, 4, 2), LinearNetwork.Random(6, 4, 2));
        var objective = new FreeAdversarialTraining(new() { Free = Free(replays: 3) });
        var options = Small.Options with
        {
            Epochs = 1,
            BatchSize = 5,
            Augmentation = Augmentation.None,
            Optimizer = new SgdOptimizer { LearningRate = 0.3, Momentum = 0, WeightDecay = 0 },
        };
        Trainer.Fit(trained, objective, data, options);

        var delta = zeros_like(images);
        for (var replay = 0; replay < 3; replay++)
        {
            var points = (images + delta).clamp(0, 1).detach().requires_grad_();
            byHand.zero_grad();
            nn.functional.cross_entropy(byHand.call(points), labels).backward();
            using var noGrad = no_grad();
            delta = (points + points.grad!.sign() * Epsilon).maximum(images - Epsilon).minimum(images + Epsilon).clamp(0, 1) - images;
            foreach (var parameter in byHand.parameters()) parameter.sub_(parameter.grad! * 0.3);
        }
        // The loop takes the images in another order, which is no other sum but for rounding.
        Compare.Close(byHand.Weight, trained.Weight, 1e-5, "weights");
        Compare.Close(byHand.Bias, trained.Bias, 1e-5, "bias");
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(5)]
    public void A_killed_and_resumed_training_carries_the_perturbation_on(int afterReports)
    {
        Small.SurvivesAKill(new FreeAdversarialTraining(new() { Free = Free(replays: 2) }), afterReports);
        Small.SurvivesAKill(new FastArd(new() { Free = Free(replays: 2), Alpha = 0.9 }), afterReports);
    }

    [Fact]
    public void The_teacher_is_asked_once_a_batch_and_no_tensor_outlives_the_step_but_the_perturbation()
    {
        using var scope = NewDisposeScope();
        var student = Small.Network(1);
        var teacher = new RecordingNetwork(Small.Network(2, teacher: true));
        teacher.eval();
        var objective = new FastArd(new() { Free = Free(replays: 3) });
        using var memory = new ObjectiveMemory();
        var (images, labels) = (Small.Images(4, 3), Small.Labels(4));
        using var outer = NewDisposeScope();
        for (var step = 0; step < 2; step++)
        {
            using (NewDisposeScope())
            {
                var batch = Small.Batch(student, images, labels, teacher, memory: memory);
                for (var replay = 0; replay < 3; replay++)
                {
                    student.zero_grad(set_to_none: false);
                    objective.Loss(batch).backward();
                    objective.AfterBackward(batch);
                }
            }
            Assert.Equal(0, outer.DisposablesCount);
        }
        Assert.Equal(2, teacher.Calls.Count);
    }

    [Fact]
    public void Every_fault_of_the_options_is_named_in_one_message()
    {
        var free = new FreeAdversarialTrainingOptions { Free = Free(0) };
        Assert.Contains("Replays is 0", Assert.Throws<ArgumentException>(() => new FreeAdversarialTraining(free)).Message);
        var fast = new FastArdOptions { Free = Free(-1), Alpha = 2, Distillation = new() { Temperature = 0 } };
        var message = Assert.Throws<ArgumentException>(() => new FastArd(fast)).Message;
        Assert.All(["Replays is -1", "Alpha is 2", "Temperature is 0"], (string fault) => Assert.Contains(fault, message));
    }
}
